package io.pgcaravan.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** The tables that pgcaravan keeps in a target, in the schema caravan; each is made by whoever needs it first. */
public final class OwnTables {

    /** Serialises installations; the letters of "caravan". */
    private static final long LOCK = 0x63_61_72_61_76_61_6EL;

    private OwnTables() {}

    /**
     * Makes a table where it is missing, and the schema caravan with it.
     *
     * @param target with autocommit on
     * @param name with its schema, as its file is called
     */
    public static void ensure(Connection target, String name) throws SQLException {
        if (exists(target, name)) {
            return;
        }
        target.setAutoCommit(false);
        try (Statement statement = target.createStatement()) {
            lock(statement);
            make(statement, name);
            target.commit();
        } catch (SQLException e) {
            target.rollback();
            throw e;
        } finally {
            target.setAutoCommit(true);
        }
    }

    /** Whether this database has a table, one of ours or any other; its name with the schema, quoted where needed. */
    public static boolean exists(Connection target, String name) throws SQLException {
        try (PreparedStatement select = target.prepareStatement("select pg_catalog.to_regclass(?::text) is not null")) {
            select.setString(1, name);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /**
     * Until the transaction ends nobody else installs anything: "if not exists" alone does not survive a race.
     *
     * <p>A session that has waited for the lock may still believe, by its caches, that something is missing: PostgreSQL
     * takes notice of others' changes where it locks a table, and an advisory lock is none.
     */
    public static void lock(Statement statement) throws SQLException {
        statement.execute("select pg_advisory_xact_lock(" + LOCK + ")");
        statement.execute("select from pg_catalog.pg_namespace limit 0");
    }

    /** Under {@link #lock}. */
    public static void make(Statement statement, String name) throws SQLException {
        try (ResultSet row =
                statement.executeQuery("select exists (select from pg_namespace where nspname = 'caravan')")) {
            row.next();
            if (!row.getBoolean(1)) {
                // even "if not exists" wants the right to create schemas, which a role may lack where the schema is
                // there
                statement.execute("create schema caravan");
            }
        }
        statement.execute(Sql.file("target/" + name));
    }
}
