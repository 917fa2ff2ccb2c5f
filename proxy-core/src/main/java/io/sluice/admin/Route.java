package io.sluice.admin;

/** Answers one path. */
@FunctionalInterface
interface Route {

    /** Called on a virtual thread, several at once; anything thrown is answered with 500. */
    Answer answer(Request request);
}
