package io.pgcaravan.app;

/** A command that cannot do what it was told; the message says why and what to do. Exit code 1. */
public final class CommandFailedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public CommandFailedException(String message) {
        super(message);
    }
}
