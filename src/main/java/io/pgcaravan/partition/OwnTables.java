package io.pgcaravan.partition;

import io.pgcaravan.queue.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** The tables that work on partitions keeps in a target, where no job has made them yet. */
final class OwnTables {

    private OwnTables() {}

    /**
     * Makes a table where it is missing, and the schema caravan with it.
     *
     * @param target with autocommit on
     * @param name with its schema, as its file is called
     */
    static void ensure(Connection target, String name) throws SQLException {
        if (ListedPartition.exists(target, name)) {
            return;
        }
        target.setAutoCommit(false);
        try (Statement statement = target.createStatement()) {
            statement.execute("select pg_advisory_xact_lock(hashtextextended('pgcaravan own tables', 0))");
            try (ResultSet row =
                    statement.executeQuery("select exists (select from pg_namespace where nspname = 'caravan')")) {
                row.next();
                if (!row.getBoolean(1)) {
                    statement.execute("create schema caravan");
                }
            }
            statement.execute(Sql.file("target/" + name));
            target.commit();
        } catch (SQLException e) {
            target.rollback();
            throw e;
        } finally {
            target.setAutoCommit(true);
        }
    }
}
