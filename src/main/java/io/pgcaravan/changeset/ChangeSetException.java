package io.pgcaravan.changeset;

/** An export or import that cannot be done; the message says what failed, on which table, set or file, and what to do next. */
public sealed class ChangeSetException extends RuntimeException permits IncompleteSetException {

    private static final long serialVersionUID = 1L;

    public ChangeSetException(String message) {
        super(message);
    }

    public ChangeSetException(String message, Throwable cause) {
        super(message, cause);
    }
}
