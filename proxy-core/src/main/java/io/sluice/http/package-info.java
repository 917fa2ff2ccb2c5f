/**
 * A small HTTP/1.1 server for {@code GET} and {@code HEAD}, safe for untrusted clients: connections, time, memory
 * and threads are limited, and what one client holds never keeps another from an answer.
 *
 * <p>{@link io.sluice.http.HttpServer} is the entrance, {@link io.sluice.http.Site} has the routes of an address. Netty
 * reads and writes HTTP; this room decides which connections stay open ({@code Admission}), which host names are allowed
 * ({@link io.sluice.http.AllowedHosts}), and where an answer is made: a probe's on the server's own event loop, a view's on
 * one of few virtual threads. No event loop of the data path is used.
 *
 * <p>May import {@code linux} and {@code service}.
 */
@NullMarked
package io.sluice.http;

import org.jspecify.annotations.NullMarked;
