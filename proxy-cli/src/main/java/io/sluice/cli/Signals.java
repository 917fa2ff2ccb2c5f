package io.sluice.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Lets something else than the JVM's own exit happen on a signal.
 *
 * <p>{@code sun.misc.Signal} is the only API of the JDK that tells one signal from another. It is called by reflection
 * because javac warns of its every mention and lets nobody turn that off.
 */
final class Signals {

    /** Longer than a struct sigaction of any C library: sigaction(2). */
    private static final int ACTION_BYTES = 512;

    private Signals() {}

    /**
     * Runs {@code action} on a thread of the JVM each time this process gets one of the signals, named without SIG. One
     * that was ignored when the process began stays ignored: a shell does so to SIGINT of what it runs in the background.
     *
     * @throws IllegalStateException if this Java runtime leaves signals to others; the message says why
     */
    static void on(Runnable action, String... names) {
        Object handler = handler(action);
        for (String name : names) {
            handle(handler, name);
        }
    }

    /**
     * The same for one signal, which counts even if it was ignored when the process began. That is how it gets through
     * the time before there is a handler, in which it would end the process: whoever starts us may have it ignored, and
     * then from its first moment on nothing is to be feared of it.
     *
     * @param like another signal, for which {@link #on} was called
     */
    static void onEvenIfIgnored(Runnable action, String name, String like) {
        if (handle(handler(action), name)) {
            takeAction(number(name), number(like));
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

    /** Whether the signal is ignored, so that the handler is known to the JVM and nothing calls it. */
    private static boolean handle(Object handler, String name) {
        try {
            Class<?> type = Class.forName("sun.misc.SignalHandler");
            Class<?> signal = Class.forName("sun.misc.Signal");
            Object before = signal.getMethod("handle", signal, type).invoke(null, signal(name), handler);
            return type.getField("SIG_IGN").get(null).equals(before);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(
                    "this Java runtime leaves signals to others: " + e.getTargetException().getMessage()
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

    /**
     * Gives signal {@code number} the action of another, which is the JVM's own handler: it tells the JVM which signal
     * came, and that knows by now whom to call. The JVM does not do it for a signal that was ignored when it began.
     * Nothing is done where the C library has no such function, or the other signal is ignored as well.
     */
    @SuppressWarnings("restricted") // sigaction has this signature: sigaction(2)
    private static void takeAction(int number, int like) {
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        Linker linker = Linker.nativeLinker();
        // The signature of the proxy's own system calls: a second one would cost the start some milliseconds.
        FunctionDescriptor words = FunctionDescriptor.of(word, word, word, word, word, word);
        MethodHandle sigaction = linker.downcallHandle(linker.defaultLookup().findOrThrow("sigaction"), words,
                Linker.Option.captureCallState("errno"));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
            MemorySegment action = arena.allocate(ACTION_BYTES, Long.BYTES);
            long asked = (long) sigaction.invokeExact(state, (long) like, 0L, action.address(), 0L, 0L);
            if ((int) asked == 0) {
                long set = (long) sigaction.invokeExact(state, (long) number, action.address(), 0L, 0L, 0L);
                if ((int) set != 0) {
                    throw new IllegalStateException("sigaction refuses signal " + number);
                }
            }
        } catch (Throwable e) {
            throw new IllegalStateException("sigaction cannot be called", e);
        }
    }
}
