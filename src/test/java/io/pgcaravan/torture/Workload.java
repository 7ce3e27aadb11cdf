package io.pgcaravan.torture;

import io.pgcaravan.sql.Query;
import io.pgcaravan.torture.Schema.Column;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Transactions of several sessions, one step at a time: late commits, savepoints, prepared transactions, changes of keys and partitions,
 * TRUNCATE, new columns. Each open transaction has keys of its own, so that none waits for another.
 */
final class Workload implements AutoCloseable {

    private static final int KEYS = 25;

    private final class Session {
        final Connection connection;
        int owner = owners.remove();
        boolean savepoint;
        boolean open;

        Session() throws SQLException {
            connection = connect();
            connection.setAutoCommit(false);
        }
    }

    /** Another statement of a calm moment, such as one more column in both databases. */
    interface Change {
        void make(Schema schema) throws SQLException;
    }

    private final Random random;
    private final List<Schema> schemas;
    private final String url;
    private final boolean keyUpdates;
    private final Change ddl;
    private final List<Session> sessions = new ArrayList<>();
    private final Deque<Integer> owners =
            IntStream.range(1, 40).boxed().collect(Collectors.toCollection(ArrayDeque::new));
    private final Map<String, Integer> prepared = new LinkedHashMap<>();
    private final boolean prepares;
    private int bulks;
    private int names;

    /** The most rows of one statement. */
    int largest = 3000;

    /** How many statements of each kind there were. */
    final Map<String, Integer> counts = new LinkedHashMap<>();

    /** @param keyUpdates whether what notes the changes takes updates of keys; {@code public.produce(text)} runs the statements */
    Workload(Random random, List<Schema> schemas, String url, boolean keyUpdates, Change ddl) throws SQLException {
        this.random = random;
        this.schemas = schemas;
        this.url = url;
        this.keyUpdates = keyUpdates;
        this.ddl = ddl;
        prepares = Torture.number(url, "select current_setting('max_prepared_transactions')") > 0;
        reconnect();
    }

    private Connection connect() throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        Query.execute(
                connection,
                "set lock_timeout = '15s'; set default_transaction_isolation = 'read committed'; set statement_timeout = 0;"
                        + " set standard_conforming_strings = on; set array_nulls = on; set idle_in_transaction_session_timeout = 0");
        return connection;
    }

    /** New connections after the server was away; what was open is lost, what was prepared is not. */
    void reconnect() throws SQLException {
        disconnect();
        for (int i = 0; i < 3; i++) {
            sessions.add(new Session());
        }
    }

    void disconnect() {
        for (Session session : sessions) {
            owners.add(session.owner);
            try {
                session.connection.close();
            } catch (SQLException e) {
                // it is gone
            }
        }
        sessions.clear();
    }

    void step() throws SQLException {
        Session session = sessions.get(random.nextInt(sessions.size()));
        Schema schema = schemas.get(random.nextInt(schemas.size()));
        String table = schema.table.quoted();
        int base = session.owner * 1000;
        int choice = random.nextInt(100);
        String some = " where nr in (" + keys(base, 1 + random.nextInt(4)) + ")";
        if (choice < 40) {
            insert(session, schema, base);
        } else if (choice < 60) {
            String set = schema.payload.stream()
                    .filter(column -> random.nextBoolean())
                    .map(column -> set(schema, column) + ", ")
                    .collect(Collectors.joining());
            produce(session, "update", "update " + table + " set " + set + "rev = nextval('public.revs')" + some);
        } else if (choice < 70) {
            String place = random.nextBoolean() ? set(schema, schema.at) : set(schema, schema.place);
            execute(session, "savepoint k");
            try {
                produce(session, "move", "update " + table + " set " + place + ", rev = nextval('public.revs')" + some);
            } catch (SQLException e) {
                // the place is part of a key that is taken
                execute(session, "rollback to savepoint k");
            }
        } else if (choice < 80) {
            produce(session, "delete", "delete from " + table + some);
        } else if (choice < 87) {
            changeKey(session, schema, base);
        } else if (choice < 90) {
            bulk(session, schema, 20 + random.nextInt(600));
        } else if (choice < 92) {
            calm();
            if (random.nextInt(3) == 0) {
                ddl.make(schema);
            } else {
                String what = schema.parted && random.nextBoolean() ? schema.leaf() : table;
                produce(session, "truncate", "truncate " + what + (schema.child == null ? "" : " cascade"));
                session.connection.commit();
            }
        } else if (schema.child != null && choice < 96) {
            produce(
                    session,
                    "refer",
                    "update " + schema.child.table.quoted()
                            + " set rev = nextval('public.revs'), ref = (select max(nr) from " + table + some + ")"
                            + some);
        } else if (session.savepoint) {
            execute(session, random.nextBoolean() ? "rollback to savepoint s" : "release savepoint s");
            session.savepoint = false;
        } else {
            execute(session, "savepoint s");
            session.savepoint = true;
        }
        if (random.nextInt(3) == 0) {
            end(session);
        }
        if (!prepared.isEmpty() && random.nextInt(8) == 0) {
            finish(prepared.keySet().iterator().next());
        }
    }

    private static String set(Schema schema, Column column) {
        return Schema.quote(column.name()) + " = " + schema.value(column);
    }

    private String keys(int base, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> String.valueOf(base + random.nextInt(KEYS)))
                .collect(Collectors.joining(", "));
    }

    private void insert(Session session, Schema schema, int base) throws SQLException {
        String rows = IntStream.range(0, 1 + random.nextInt(6))
                .mapToObj(i -> "(" + schema.values(String.valueOf(base + random.nextInt(KEYS))) + ")")
                .collect(Collectors.joining(", "));
        produce(
                session,
                "insert",
                "insert into " + schema.table.quoted() + " (" + schema.names() + ") values " + rows
                        + " on conflict do nothing");
    }

    private void changeKey(Session session, Schema schema, int base) throws SQLException {
        execute(session, "savepoint k");
        String old = String.valueOf(base + random.nextInt(KEYS));
        String other = String.valueOf(base + KEYS + random.nextInt(KEYS));
        try {
            produce(
                    session,
                    "key update",
                    "update " + schema.table.quoted() + " set " + schema.keyed(other)
                            + ", rev = nextval('public.revs') where nr = " + old);
            if (!keyUpdates) {
                execute(session, "rollback to savepoint k");
            }
        } catch (SQLException e) {
            // the key is taken, or logutriga refuses: the change of a key is a delete and an insert for it
            execute(session, "rollback to savepoint k");
            produce(session, "delete", "delete from " + schema.table.quoted() + " where nr = " + old);
            produce(
                    session,
                    "insert",
                    "insert into " + schema.table.quoted() + " (" + schema.names() + ") select " + schema.values(other)
                            + " on conflict do nothing");
        }
    }

    /** New rows, of all marks, committed. */
    void bulk(int rows) throws SQLException {
        Session session = sessions.get(0);
        bulk(session, schemas.get(0), rows);
        session.connection.commit();
        session.open = false;
        session.savepoint = false;
    }

    private void bulk(Session session, Schema schema, int rows) throws SQLException {
        int from = 1_000_000 + 10_000 * bulks++;
        int last = from + Math.min(rows, largest) - 1;
        produce(
                session,
                "bulk insert",
                "insert into " + schema.table.quoted() + " (" + schema.names() + ") select " + schema.values("g")
                        + " from" + " generate_series(" + from + ", " + last + ") g");
    }

    private void produce(Session session, String kind, String sql) throws SQLException {
        counts.merge(kind, 1, Integer::sum);
        try (var statement = session.connection.prepareStatement("select public.produce(?)")) {
            statement.setString(1, sql);
            statement.execute();
        } catch (SQLException e) {
            throw new SQLException(e.getMessage() + " in " + sql, e.getSQLState(), e);
        }
        session.open = true;
    }

    private static void execute(Session session, String sql) throws SQLException {
        Query.execute(session.connection, sql);
    }

    private void end(Session session) throws SQLException {
        session.savepoint = false;
        int choice = random.nextInt(10);
        if (choice < 2 && session.open) {
            counts.merge("rollback", 1, Integer::sum);
            session.connection.rollback();
        } else if (choice < 4 && session.open && prepares && owners.size() > 5) {
            counts.merge("prepare transaction", 1, Integer::sum);
            String name = session.connection.getCatalog() + "_" + names++;
            execute(session, "prepare transaction '" + name + "'");
            session.connection.rollback();
            prepared.put(name, session.owner);
            session.owner = owners.remove();
        } else {
            session.connection.commit();
        }
        session.open = false;
    }

    private void finish(String name) throws SQLException {
        Torture.sql(url, (random.nextInt(4) == 0 ? "rollback" : "commit") + " prepared '" + name + "'");
        owners.add(prepared.remove(name));
    }

    /** Ends whatever is open. */
    void calm() throws SQLException {
        for (Session session : sessions) {
            session.savepoint = false;
            session.open = false;
            session.connection.commit();
        }
        for (String name : List.copyOf(prepared.keySet())) {
            finish(name);
        }
    }

    @Override
    public void close() throws SQLException {
        disconnect();
        for (String name : prepared.keySet()) {
            Torture.sql(url, "rollback prepared '" + name + "'");
        }
    }
}
