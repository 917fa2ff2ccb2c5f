package io.sluice.reconcile;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.ServicePortName;
import org.jspecify.annotations.Nullable;

/** A port whose endpoints are watched, by the connections that they do not answer or by checks. Control thread. */
interface WatchedPort {

    ServicePortName name();

    /** The header that a probe has to send before it closes. */
    ProxyProtocol proxyProtocol();

    /** The Pod behind {@code endpoint}; null if none is known. */
    @Nullable
    String pod(EndpointAddress endpoint);

    /** Whether connections avoid {@code endpoint}. */
    boolean leftOut(EndpointAddress endpoint);
}
