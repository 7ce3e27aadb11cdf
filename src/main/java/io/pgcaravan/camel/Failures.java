package io.pgcaravan.camel;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.SourceFailedException;
import java.sql.SQLException;
import org.apache.camel.RuntimeCamelException;

/** What a failure's causes tell: which row is to blame, if any, and what to do about it. */
final class Failures {

    private Failures() {}

    /** What really failed, where a statement only met a transaction that a loader's thread had found aborted. */
    static Exception reason(OpenBatch open, Exception failure) {
        SQLException first = "25P02".equals(sqlState(failure)) ? open.failure() : null;
        return first == null ? failure : first;
    }

    /** Whether a row is to blame, and the batch can go on without it or at least name it. */
    static boolean callsForCare(Exception failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            if (cause instanceof SourceFailedException || cause instanceof LostPositionException) {
                return false;
            }
            if (cause instanceof BadRowException badRow) {
                // Behind it is the row that reject() gave back: the job stops at it.
                return !(badRow.getCause() instanceof BadRowException);
            }
        }
        return failure.getCause() != null || failure instanceof SQLException
                ? BadRowException.isBadRow(sqlState(failure))
                : false;
    }

    /** Whether it takes the step's name to know what failed: a bad row names its event, and a source is no step. */
    static boolean namesNoStep(Throwable failure) {
        return badRow(failure) == null
                && !(failure instanceof SourceFailedException)
                && !(failure.getCause() instanceof SourceFailedException);
    }

    /** What went wrong in words: Camel's wrapper around an Error has none, and some exceptions have no message. */
    static String text(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof RuntimeCamelException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null || cause instanceof Error ? cause.toString() : cause.getMessage();
    }

    /** Whether an Error (out of memory, a missing class) is behind it, so that nothing in progress can be relied on. */
    static boolean isFatal(Throwable failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            if (cause instanceof Error) {
                return true;
            }
        }
        return false;
    }

    static BadRowException badRow(Throwable failure) {
        for (Throwable cause = failure; cause != null && cause.getCause() != cause; cause = cause.getCause()) {
            if (cause instanceof BadRowException badRow) {
                return badRow;
            }
        }
        return null;
    }

    static String sqlState(Throwable failure) {
        SQLException sql = Connections.sqlCause(failure);
        return sql == null ? null : sql.getSQLState();
    }
}
