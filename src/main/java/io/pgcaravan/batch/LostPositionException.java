package io.pgcaravan.batch;

/**
 * The target's ledger and the source's queue disagree on where a consumer stands, so going on would lose rows or load
 * some twice. Only a person can decide; the job stops.
 */
public class LostPositionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public LostPositionException(String message) {
        super(message);
    }
}
