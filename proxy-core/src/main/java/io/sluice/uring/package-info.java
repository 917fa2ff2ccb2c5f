/**
 * io_uring(7): a {@link io.sluice.uring.Ring} is the I/O of one event loop, and a {@link io.sluice.uring.Submitter} a socket
 * that submits operations to it. It knows neither connections nor listeners; the foreign functions are in
 * {@code io.sluice.linux}.
 */
@NullMarked
package io.sluice.uring;

import org.jspecify.annotations.NullMarked;
