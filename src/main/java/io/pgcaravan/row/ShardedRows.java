package io.pgcaravan.row;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;

/**
 * Takes the rows of one shard and leaves the others to their consumers. Together the shards take every row exactly once:
 * an event whose shard cannot be told, because it holds no row or no key, is shard 0's to complain of. A TRUNCATE is for all of
 * them.
 *
 * <p>An update that moves a row to another shard (by its old row in ev_extra2) is the new shard's row change, and for the old
 * shard a row that leaves ({@link RowChange#movesToOtherShard()}), where the selection takes updates.
 */
public final class ShardedRows implements RowDecoder {

    private final RowDecoder rows;
    private final Shard shard;

    public ShardedRows(RowDecoder rows, Shard shard) {
        this.rows = rows;
        this.shard = shard;
    }

    @Override
    public Op op(Event event) {
        return rows.op(event);
    }

    @Override
    public RowChange read(OpenBatch batch, Event event) {
        if (op(event) == Op.TRUNCATE) {
            return rows.read(batch, event);
        }
        int said;
        try {
            said = shard.ofProducer(event);
        } catch (BadRowException e) {
            return complain(e);
        }
        if (said != Shard.NOT_SAID) {
            // The producer's hash decides before anything is decoded.
            return said == shard.number() ? rows.read(batch, event) : null;
        }
        RowChange row;
        try {
            row = rows.read(batch, event);
            if (row == null || shard.ofColumns(row) == shard.number()) {
                return row;
            }
        } catch (BadRowException e) {
            return complain(e);
        }
        return row.before() != null && leftHere(row.before()) ? row.before().leaving() : null;
    }

    private boolean leftHere(RowChange before) {
        try {
            return shard.ofColumns(before) == shard.number();
        } catch (BadRowException e) {
            // the new row is another shard's, whatever the old one was
            return false;
        }
    }

    private RowChange complain(BadRowException bad) {
        if (shard.number() == 0) {
            throw bad;
        }
        return null;
    }
}
