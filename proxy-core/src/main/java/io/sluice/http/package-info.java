/**
 * A small HTTP/1.1 server for {@code GET} and {@code HEAD}, made to be asked by anybody: connections, time, memory and
 * threads are bounded, and what one client holds never keeps another from an answer.
 *
 * <p>{@link io.sluice.http.HttpServer} is the door, {@link io.sluice.http.Site} says what an address serves. Netty reads
 * and writes HTTP; this room decides who may hold what ({@code Admission}), whose name a request may use
 * ({@link io.sluice.http.AllowedHosts}), and where an answer is made: a probe's on the server's own event loop, a view's on
 * one of few virtual threads. No event loop of the data path is used.
 *
 * <p>May import {@code linux} and {@code service}.
 */
@NullMarked
package io.sluice.http;

import org.jspecify.annotations.NullMarked;
