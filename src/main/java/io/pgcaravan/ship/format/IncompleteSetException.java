package io.pgcaravan.ship.format;

/** A set of which not all is here yet: nothing is wrong, the rest may be on its way. */
public final class IncompleteSetException extends ChangeSetException {

    private static final long serialVersionUID = 1L;

    public IncompleteSetException(String message) {
        super(message);
    }
}
