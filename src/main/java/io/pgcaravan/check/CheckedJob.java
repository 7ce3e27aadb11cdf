package io.pgcaravan.check;

import io.pgcaravan.load.LoadSettings;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.row.RowSelection;
import io.pgcaravan.sql.TableName;
import java.util.List;
import javax.sql.DataSource;

/**
 * What a job is going to do, as far as it can be compared with the databases.
 *
 * @param source where the queue is; its text names the database for people
 * @param target likewise
 * @param schema of PgQ's functions
 * @param registers whether the job registers its consumer where it is not
 * @param acceptsUnknownStart whether the job begins with what the queue offers where the target knows nothing of its consumer
 * @param answerTimeout how long a server may stay silent, milliseconds
 * @param encoding of url-encoded bytes where the job names one, else null
 * @param loads where its rows go; empty for a job whose steps are all somebody's own
 * @param forwards queues that its events go to
 */
public record CheckedJob(
        DataSource source,
        DataSource target,
        String schema,
        String queue,
        String consumer,
        boolean registers,
        boolean acceptsUnknownStart,
        int answerTimeout,
        String encoding,
        List<Load> loads,
        List<Forward> forwards) {

    /** Another queue that events go to. */
    public record Forward(DataSource database, String schema, String queue) {}

    /**
     * One way of rows into one table.
     *
     * @param sourceTable the only table whose events come this way, as ev_extra1 names it; null where all may
     * @param format of the events: logutriga or jsontriga
     * @param selection which events and columns are taken
     * @param partition null where rows go to the table itself
     * @param settings null where rows are inserted by a step that is not ours to look into
     */
    public record Load(
            TableName table,
            String sourceTable,
            String format,
            RowSelection selection,
            PartitionSettings partition,
            LoadSettings settings) {

        /** Whether every event that is taken becomes a row. */
        boolean appends() {
            return settings == null || !settings.rowMode().keyed();
        }
    }
}
