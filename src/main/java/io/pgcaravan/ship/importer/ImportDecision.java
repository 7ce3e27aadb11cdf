package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.importer.Importer.Result;

/**
 * What is to be done with a set, by what its table has.
 *
 * @param result {@link Result#APPLIED} for the next set of the table, which is to be applied; otherwise what becomes of the set
 * @param why a sentence for people; null for the next one
 */
record ImportDecision(Result result, String why) {

    static final ImportDecision NEXT = new ImportDecision(Result.APPLIED, null);

    boolean isNext() {
        return result == Result.APPLIED;
    }
}
