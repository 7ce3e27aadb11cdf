package io.pgcaravan.cli;

/** A command that cannot do what it was told; the message says why and what to do. Exit code 1. */
final class CommandFailedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    CommandFailedException(String message) {
        super(message);
    }
}
