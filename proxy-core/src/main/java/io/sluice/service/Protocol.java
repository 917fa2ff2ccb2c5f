package io.sluice.service;

/** Transport protocol of a Service port. {@link #SCTP} is not proxied, and listed as such. */
public enum Protocol {
    TCP, UDP, SCTP
}
