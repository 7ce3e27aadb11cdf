package io.pgcaravan.queue;

/** What was asked for cannot be done, or not now; nothing was changed. The message says why and what to do. */
public class RefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public RefusedException(String message) {
        super(message);
    }
}
