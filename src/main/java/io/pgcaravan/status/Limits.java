package io.pgcaravan.status;

/**
 * From where on something counts as wrong.
 *
 * @param lag seconds that a consumer may be behind its queue; a quiet queue ticks once a minute only
 * @param rotation share of a queue's rotation period that a consumer may be behind; at 1 it holds up the rotation
 * @param free share of a disk that has to be free under a drop directory
 * @param unexported seconds that a change may wait for its export
 * @param unacknowledged seconds that a published set may take to its target in any case; where sets take long as a rule, twice that
 */
public record Limits(double lag, double rotation, double free, double unexported, double unacknowledged) {

    public static final Limits PRESET = new Limits(300, 0.5, 0.1, 3600, 3600);
}
