package io.sluice.dns.forward;

import java.time.Duration;

/**
 * Limits of the work and the memory that questions for upstreams can cause.
 *
 * @param queries      questions that wait for an upstream; further ones are answered REFUSED
 * @param timeout      for one upstream to answer, before the next is asked
 * @param cacheEntries answers of upstreams that are kept
 * @param cacheBytes   octets of messages that are kept
 */
public record ForwardLimits(int queries, Duration timeout, int cacheEntries, int cacheBytes) {}
