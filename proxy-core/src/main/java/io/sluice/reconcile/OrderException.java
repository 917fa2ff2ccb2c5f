package io.sluice.reconcile;

/** An order of an operator cannot be carried out; the message is one line for that operator. */
public final class OrderException extends Exception {

    private static final long serialVersionUID = 1L;

    /** With a message for the operator. */
    public OrderException(String message) {
        super(message);
    }
}
