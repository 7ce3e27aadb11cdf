package io.pgcaravan.partition;

import java.sql.SQLException;

/** A partition can be neither found nor made, whatever row asked for it: the table or the job needs changing. */
public class PartitionException extends SQLException {

    private static final long serialVersionUID = 1L;

    public PartitionException(String message, String sqlState) {
        super(message, sqlState);
    }

    public PartitionException(String message, SQLException cause) {
        super(message, cause.getSQLState(), cause);
    }
}
