package io.pgcaravan.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Statements that are done when they return: their values bound, their few rows read to the end. A {@link TableName} among the
 * values stands for two, its schema and its name.
 */
public final class Query {

    /** Reads the row that a result stands on. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    private Query() {}

    public static <T> List<T> all(Connection connection, String sql, Reader<T> reader, Object... values)
            throws SQLException {
        try (PreparedStatement statement = bound(connection, sql, values);
                ResultSet row = statement.executeQuery()) {
            List<T> all = new ArrayList<>();
            while (row.next()) {
                all.add(reader.read(row));
            }
            return all;
        }
    }

    /** The first row, null where there is none. */
    public static <T> T first(Connection connection, String sql, Reader<T> reader, Object... values)
            throws SQLException {
        List<T> all = all(connection, sql, reader, values);
        return all.isEmpty() ? null : all.get(0);
    }

    /** The first column of the first row. */
    public static boolean flag(Connection connection, String sql, Object... values) throws SQLException {
        return Boolean.TRUE.equals(first(connection, sql, row -> row.getBoolean(1), values));
    }

    /** The first column of the first row. */
    public static String text(Connection connection, String sql, Object... values) throws SQLException {
        return first(connection, sql, row -> row.getString(1), values);
    }

    /** The first column of the first row, which there has to be. */
    public static long number(Connection connection, String sql, Object... values) throws SQLException {
        return first(connection, sql, row -> row.getLong(1), values);
    }

    /** @return how many rows were changed */
    public static long update(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = bound(connection, sql, values)) {
            return statement.executeLargeUpdate();
        }
    }

    /** Statements without values, one after the other. */
    public static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static PreparedStatement bound(Connection connection, String sql, Object... values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            int at = 0;
            for (Object value : values) {
                if (value instanceof TableName table) {
                    statement.setString(++at, table.schema());
                    statement.setString(++at, table.name());
                } else {
                    statement.setObject(++at, value);
                }
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }
}
