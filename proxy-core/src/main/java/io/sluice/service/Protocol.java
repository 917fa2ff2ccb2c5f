package io.sluice.service;

/** Transport protocol of a Service port. Only {@link #TCP} is proxied; the others are listed as not proxied. */
public enum Protocol {
    TCP, UDP, SCTP
}
