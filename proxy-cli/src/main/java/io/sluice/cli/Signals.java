package io.sluice.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Lets something else than the JVM's own exit happen on a signal.
 *
 * <p>{@code sun.misc.Signal} is the only API of the JDK that tells one signal from another. It is called by reflection
 * because javac warns of its every mention and lets nobody turn that off.
 */
final class Signals {

    private Signals() {}

    /** Runs {@code action} on a thread of the JVM each time this process gets one of the signals, named without SIG. */
    static void on(Runnable action, String... names) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler call = (proxy, method, arguments) -> {
                if (!method.getDeclaringClass().equals(handler)) {
                    return method.invoke(action, arguments);
                }
                action.run();
                return null;
            };
            Object proxy = Proxy.newProxyInstance(Signals.class.getClassLoader(), new Class<?>[] {handler}, call);
            for (String name : names) {
                signal.getMethod("handle", signal, handler).invoke(null,
                        signal.getConstructor(String.class).newInstance(name), proxy);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java runtime has no module jdk.unsupported", e);
        }
    }
}
