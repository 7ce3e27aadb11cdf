package io.pgcaravan.batch;

import io.pgcaravan.queue.Batch;

/** Reading a batch from its source failed; no row is to blame. The cause is the driver's SQLException. */
public class SourceFailedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public SourceFailedException(Batch batch, Throwable cause) {
        super("reading " + batch + " failed: " + cause.getMessage(), cause);
    }
}
