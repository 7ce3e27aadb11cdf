package io.pgcaravan.server;

/** A throw-away server cannot be had; the message is one sentence for the user, with the end of the server's log. */
public final class ThrowAwayServerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ThrowAwayServerException(String message) {
        super(message);
    }

    public ThrowAwayServerException(String message, Throwable cause) {
        super(message + ": " + cause.getMessage(), cause);
    }
}
