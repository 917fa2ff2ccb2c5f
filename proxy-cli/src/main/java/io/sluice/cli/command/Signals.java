package io.sluice.cli.command;

import io.sluice.linux.SignalActions;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Handles signals in place of the JVM's own exit.
 *
 * <p>{@code sun.misc.Signal} is the only API of the JDK that tells one signal from another. It is called by reflection
 * because javac warns of each use, and this warning cannot be turned off.
 */
public final class Signals {

    private Signals() {}

    /**
     * Runs {@code action} on a thread of the JVM each time this process gets one of the signals, named without SIG. A signal
     * that was ignored when the process began stays ignored: a shell ignores SIGINT for processes in the background.
     *
     * @throws IllegalStateException if this Java runtime does not handle signals; the message says why
     */
    public static void on(Runnable action, String... names) {
        Object handler = handler(action);
        for (String name : names) {
            handle(handler, name);
        }
    }

    /**
     * The same for one signal, which is handled even if it was ignored when the process began. A program that starts this
     * process may have the signal ignored, so that it does not end the process before there is a handler.
     *
     * @param like another signal, for which {@link #on} was called
     */
    static void onEvenIfIgnored(Runnable action, String name, String like) {
        if (handle(handler(action), name)) {
            SignalActions.copy(number(name), number(like));
        }
    }

    private static Object handler(Runnable action) {
        try {
            Class<?> type = Class.forName("sun.misc.SignalHandler");
            InvocationHandler call = (proxy, method, arguments) -> {
                if (!method.getDeclaringClass().equals(type)) {
                    return method.invoke(action, arguments);
                }
                action.run();
                return null;
            };
            return Proxy.newProxyInstance(Signals.class.getClassLoader(), new Class<?>[] {type}, call);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("this Java runtime has no module jdk.unsupported", e);
        }
    }

    /** Installs the handler; whether the signal is ignored, so that the JVM has the handler and does not call it. */
    private static boolean handle(Object handler, String name) {
        try {
            Class<?> type = Class.forName("sun.misc.SignalHandler");
            Class<?> signal = Class.forName("sun.misc.Signal");
            Object before = signal.getMethod("handle", signal, type).invoke(null, signal(name), handler);
            return type.getField("SIG_IGN").get(null).equals(before);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(
                    "this Java runtime does not handle signals: " + e.getTargetException().getMessage()
                            + "; start it without -Xrs",
                    e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java runtime has no module jdk.unsupported", e);
        }
    }

    private static Object signal(String name) throws ReflectiveOperationException {
        return Class.forName("sun.misc.Signal").getConstructor(String.class).newInstance(name);
    }

    private static int number(String name) {
        try {
            Object signal = signal(name);
            return (int) signal.getClass().getMethod("getNumber").invoke(signal);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this system has no signal " + name, e);
        }
    }
}
