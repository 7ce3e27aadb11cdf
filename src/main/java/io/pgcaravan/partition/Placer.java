package io.pgcaravan.partition;

import io.pgcaravan.row.RowChange;
import java.util.Collection;

/** Computes the places of one batch's rows. Two rows of one partition's share get the same {@link Place}. */
interface Placer {

    /** The row's place; null where it has none, and {@link #refusal} says why. */
    Place of(RowChange row);

    /** Why {@link #of} returned null. */
    String refusal();

    /** The places of the rows so far. */
    Collection<Place> places();
}
