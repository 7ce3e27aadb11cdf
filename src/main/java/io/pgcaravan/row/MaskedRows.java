package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.Redaction;
import java.util.regex.Pattern;

/**
 * Rows with some of their columns masked, before any other step sees them, the row before an update too. A row that lacks a
 * masked column is a bad row: a mistaken name must not let clear values through. An event that ends among the dead letters is
 * masked there as well; what cannot be masked, because it cannot be decoded, is left out there.
 */
public final class MaskedRows implements RowDecoder {

    /** What a producer's shard hash looks like; anything else in ev_extra3 is left out of dead letters. */
    private static final Pattern SHARD_HASH = Pattern.compile("hash=-?\\d+");

    private final RowDecoder rows;
    private final RowDecoder letters;
    private final Mask mask;
    private final Redaction redaction;

    /**
     * @param rows decodes (and selects) what is masked
     * @param letters decodes and selects dead letters that were masked: their shard cannot be told any more, but it was
     *     this one
     * @param selection the columns that {@code rows} takes
     * @param whole decodes everything, for dead letters
     * @param text writes a decoded row as the event's format has it
     * @throws IllegalArgumentException where the selection leaves a masked column out
     */
    public MaskedRows(
            RowDecoder rows, RowDecoder letters, RowSelection selection, Mask mask, RowDecoder whole, RowText text) {
        this.rows = rows;
        this.letters = letters;
        this.mask = mask.renamed(selection);
        this.redaction = (batch, event) -> letter(batch, event, mask, whole, text);
    }

    @Override
    public Op op(Event event) {
        return rows.op(event);
    }

    @Override
    public RowChange read(OpenBatch batch, Event event) {
        event.redactWith(redaction);
        if (event.masked()) {
            if (event.dataFrom() < 0 && rows.op(event) != Op.TRUNCATE) {
                throw new BadRowException(
                        event,
                        "its data are not among the dead letters, because they could not be masked; the source's queue"
                                + " has them as long as it keeps the event");
            }
            return letters.read(batch, event);
        }
        RowChange row;
        try {
            row = rows.read(batch, event);
        } catch (MissingFieldException e) {
            throw e;
        } catch (BadRowException unreadable) {
            // its message may quote what was to be masked
            throw new BadRowException(
                    event,
                    "its data cannot be decoded; as the job masks columns, what is wrong with them is not shown");
        }
        if (row == null || row.op() == Op.TRUNCATE) {
            return row;
        }
        String missing = mask.apply(row);
        if (missing == null && row.before() != null) {
            missing = mask.apply(row.before());
        }
        if (missing != null) {
            throw new BadRowException(
                    event,
                    "the row has no column \"" + missing
                            + "\", which is to be masked: correct mask, or leave such events out with eventTypes or a"
                            + " route of their own");
        }
        return row;
    }

    private static Event letter(OpenBatch batch, Event event, Mask mask, RowDecoder whole, RowText text) {
        if (event.masked()) {
            return event;
        }
        String data = null;
        String old = null;
        try {
            RowChange row = whole.read(batch, event);
            if (row.op() == Op.TRUNCATE) {
                data = "";
            } else if (mask.apply(row) == null && (row.before() == null || mask.apply(row.before()) == null)) {
                data = text.of(row);
                old = row.before() == null ? null : text.of(row.before());
            }
        } catch (BadRowException unreadable) {
            // nothing of it can be kept
        }
        String hash = event.extra(3);
        return event.asMasked(
                data,
                event.extra(1),
                old,
                hash != null && SHARD_HASH.matcher(hash).matches() ? hash : null,
                null);
    }
}
