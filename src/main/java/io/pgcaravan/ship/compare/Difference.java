package io.pgcaravan.ship.compare;

import java.util.List;

/**
 * A key whose rows are not the same on both sides.
 *
 * @param key as text, in the key's order; a column may be null where the key is no primary key
 * @param keyHash which key it is, for finding it again
 * @param hash of the source's rows, 0 where it has none
 * @param onItsWay whether a set that the target has not applied yet will see to it
 */
public record Difference(DifferenceKind kind, List<String> key, long keyHash, long hash, boolean onItsWay) {

    /** What is wrong with the target. */
    public enum DifferenceKind {
        /** It lacks the row. */
        MISSING,
        /** It has a row that the source has not. */
        EXTRA,
        /** Its row has other values. */
        DIFFERENT
    }
}
