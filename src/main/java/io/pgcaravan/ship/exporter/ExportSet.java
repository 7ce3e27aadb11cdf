package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.format.SetKind;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.util.UUID;

/**
 * A line of the export ledger.
 *
 * @param groupId null where the set goes alone
 * @param manifest text of its {@code .done}; null while it is reserved
 * @param pruned whether its tracking rows are gone
 * @param forgotten whether its target was forgotten since
 */
public record ExportSet(
        Target target,
        TableName table,
        long number,
        UUID setId,
        UUID previousSetId,
        State state,
        Window window,
        UUID groupId,
        String manifest,
        boolean pruned,
        boolean forgotten) {

    /** How far it has come. */
    public enum State {
        /** Its window is taken, its files are being written. */
        RESERVED,
        /** Its files are complete under temporary names. */
        WRITTEN,
        /** Its {@code .done} was seen in place. */
        PUBLISHED
    }

    /**
     * Which changes the set holds, and what the table was like when they were read.
     *
     * @param reason why it is a full set; null for changes
     * @param from what the set before it had seen; null for a full set
     * @param to what this one has seen, as {@code pg_snapshot} prints it
     * @param columns with their types
     * @param triggers which tracking triggers there were, in which version
     * @param partitions as {@link SourceTable#partitionsText}
     * @param layout as {@link SourceTable#layout}; null for sets of earlier versions
     */
    public record Window(
            SetKind kind,
            String reason,
            String from,
            String to,
            String sourceSystem,
            String sourceDatabase,
            long tableOid,
            String columns,
            String triggers,
            String partitions,
            String layout) {}

    /**
     * The next set after the last one; the first of its target where there is none.
     *
     * @param number that the set's has to be above as well
     */
    static ExportSet after(ExportSet last, long number, Target target, TableName table, Window window) {
        return new ExportSet(
                target,
                table,
                Math.max(last == null ? 0 : last.number, number) + 1,
                UUID.randomUUID(),
                last == null ? null : last.setId,
                State.RESERVED,
                window,
                null,
                null,
                false,
                false);
    }

    ExportSet inGroup(UUID group) {
        return new ExportSet(
                target, table, number, setId, previousSetId, state, window, group, manifest, pruned, forgotten);
    }

    public SetName name() {
        return SetName.of(table, number);
    }

    @Override
    public String toString() {
        return "set " + number + " of " + table + " for " + target;
    }
}
