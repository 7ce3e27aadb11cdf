package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.importer.Importer.Result;

/** A set that cannot be imported now, though nothing failed. */
final class NotImportedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final Result result;

    NotImportedException(Result result, String message) {
        super(message);
        this.result = result;
    }

    /** Files that are not all there yet. */
    static NotImportedException incomplete(String message) {
        return new NotImportedException(Result.INCOMPLETE, message);
    }

    Result result() {
        return result;
    }
}
