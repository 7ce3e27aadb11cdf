package io.pgcaravan.app;

import java.sql.SQLException;
import java.util.stream.Collectors;

/** A command that cannot do what it was asked; the message says why and what to do. Exit code 1. */
public final class CommandFailedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public CommandFailedException(String message) {
        super(message);
    }

    /** @param permission see {@link #reason} */
    public CommandFailedException(SQLException refused, String permission) {
        super(reason(refused, permission));
    }

    /**
     * What a database refused: its message and detail.
     *
     * @param permission who may do it, for a role that lacks a right
     */
    public static String reason(SQLException refused, String permission) {
        return String.valueOf(refused.getMessage())
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.matches("(Position|Where|Location|File|Routine|Line|Internal).*: .*"))
                        .limit(2)
                        .collect(Collectors.joining("; "))
                + ("42501".equals(refused.getSQLState()) ? "; " + permission : "");
    }
}
