package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The batch's connection as a route's steps see it: they use it, the consumer commits it. Commit, close and autocommit do
 * nothing ({@code jdbc:} calls them after each statement, {@code sql:} after each batch, through the statement's own
 * connection). A rollback does nothing either, but the batch must not commit after it: {@code sql:} rolls back when a
 * statement has failed, and its failure must not be hidden behind another one. A rollback to a savepoint is done, and the
 * batch must not commit after it where it took back rows that a load step had loaded. What load steps hold back is written
 * before a statement that may see it.
 */
final class GuardedConnection implements InvocationHandler {

    /** Literals, quoted names, dollar-quoted bodies and comments. */
    private static final Pattern NOT_SQL =
            Pattern.compile("'(?:[^']|'')*'|\"[^\"]*\"|(\\$\\w*\\$).*?\\1|--[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);

    private static final Pattern TRANSACTION_CONTROL = Pattern.compile(
            "(?:^|;)\\s*((?:begin|start\\s+transaction|commit|end|abort|prepare\\s+transaction"
                    + "|rollback(?!\\s+(?:(?:work|transaction)\\s+)?to\\b))\\b)",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern SAVEPOINT = Pattern.compile(
            "(?:^|;)\\s*(savepoint|rollback\\s+(?:(?:work|transaction)\\s+)?to(?:\\s+savepoint)?)\\b\\s*(\\w*)",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern WRITES =
            Pattern.compile("\\b(?:insert|update|delete|merge)\\b", Pattern.CASE_INSENSITIVE);

    private static final Pattern RETURNS_WHAT_IT_WRITES = Pattern.compile(
            "\\b(?:insert\\s+into|merge\\s+into|delete\\s+from|returning)\\b", Pattern.CASE_INSENSITIVE);

    /** A look at tables that the statement names. */
    private static final Pattern READS =
            Pattern.compile("^\\s*(?:select|with)\\b.*\\bfrom\\b", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** Statements of which something is remembered. */
    private static final int MOST_STATEMENTS = 1000;

    private final OpenBatch batch;
    private final Connection connection;
    private final Runnable rollbackAsked;
    private final Map<String, ParameterMetaData> parameters = new HashMap<>();
    private final Map<String, Boolean> lookups = new HashMap<>();

    /** A savepoint's name or object, and what the account had counted when it was set. */
    private record Marked(Object savepoint, long loads) {}

    /** The savepoints that are set, the latest first. */
    private final Deque<Marked> savepoints = new ArrayDeque<>();

    /** Rows that this row's (or chunk's) statements wrote since {@link #takeWritten}, by their texts; -1 where none says. */
    private Map<String, Long> written = new LinkedHashMap<>();

    /** @param rollbackAsked called when a step rolls back */
    GuardedConnection(OpenBatch batch, Runnable rollbackAsked) {
        this.batch = batch;
        this.connection = batch.target();
        this.rollbackAsked = rollbackAsked;
    }

    Connection proxy() {
        return proxy(Connection.class, this);
    }

    /** Statements that run next are of the exchange that notes them there. */
    void runsFor(Map<String, Long> statements) {
        written = statements;
    }

    /**
     * Rows that the route's own statements wrote into a table, for the row or chunk that they run for, since the last call;
     * -1 where none of them did.
     *
     * @param tables names, one of which such a statement holds
     * @param expected the answer where a statement that writes has returned rows, which says no number
     * @param any whether any statement will do, a call of a function for instance, whose writes are not seen
     */
    long takeWritten(Collection<String> tables, long expected, boolean any) {
        long rows = any && !written.isEmpty() ? expected : -1;
        long counted = -1;
        for (Map.Entry<String, Long> statement : written.entrySet()) {
            String sql = statement.getKey();
            String bare = bare(sql);
            if (tables.stream().noneMatch(table -> names(sql, table))) {
                continue;
            }
            if (statement.getValue() >= 0 && WRITES.matcher(bare).find()) {
                counted = Math.max(0, counted) + statement.getValue();
            } else if (RETURNS_WHAT_IT_WRITES.matcher(bare).find()) {
                counted = Math.max(counted, expected);
            }
        }
        written.clear();
        return counted < 0 ? rows : counted;
    }

    private static String bare(String sql) {
        return NOT_SQL.matcher(sql).replaceAll(" ");
    }

    private static boolean names(String sql, String table) {
        return sql.toLowerCase(Locale.ROOT).contains(table.replace("\"", "\"\"").toLowerCase(Locale.ROOT));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
        switch (method.getName()) {
            case "commit", "close", "setAutoCommit":
                return null;
            case "getAutoCommit":
                return false;
            case "setSavepoint":
                Object made = call(connection, method, args);
                savepointIsSet(made);
                return made;
            case "rollback":
                if (args == null || args.length == 0) {
                    rollbackAsked.run();
                    return null;
                }
                goesBack(args[0]);
                break;
            case "abort":
                throw new SQLException("a step of the route asked to abort the connection of " + batch.batch());
            case "prepareStatement", "prepareCall":
                control((String) args[0]);
                break;
            default:
                break;
        }
        Object answer = call(connection, method, args);
        if (answer instanceof CallableStatement statement) {
            return statement(CallableStatement.class, statement, (Connection) proxy, (String) args[0]);
        }
        if (answer instanceof PreparedStatement statement) {
            return statement(PreparedStatement.class, statement, (Connection) proxy, (String) args[0]);
        }
        if (answer instanceof Statement statement) {
            return statement(Statement.class, statement, (Connection) proxy, null);
        }
        return answer;
    }

    /**
     * A statement's parameters, which {@code sql:} asks for before each execution: a round trip that is spared where the
     * batch has prepared the same statement before.
     */
    private ParameterMetaData parameters(PreparedStatement statement, String prepared) throws SQLException {
        ParameterMetaData known = parameters.get(prepared);
        if (known == null) {
            known = statement.getParameterMetaData();
            if (parameters.size() < MOST_STATEMENTS) {
                parameters.put(prepared, known);
            }
        }
        return known;
    }

    /**
     * A statement whose connection is the guarded one.
     *
     * @param prepared its text, null where it has none yet
     */
    private <S extends Statement> S statement(Class<S> type, S statement, Connection guarded, String prepared) {
        String[] text = {prepared};
        return proxy(type, (proxy, method, args) -> {
            if (method.getName().equals("getConnection")) {
                return guarded;
            }
            if (method.getName().equals("getParameterMetaData")) {
                return parameters((PreparedStatement) statement, prepared);
            }
            // execute, executeQuery, executeUpdate, addBatch and their kin
            if (args != null
                    && args.length > 0
                    && args[0] instanceof String sql
                    && !method.getName().startsWith("set")) {
                control(sql);
                text[0] = sql;
            }
            if (!method.getName().startsWith("execute")) {
                return call(statement, method, args);
            }
            showHeldRows(text[0]);
            Object answer = call(statement, method, args);
            count(statement, answer, text[0]);
            return answer;
        });
    }

    private void count(Statement statement, Object answer, String sql) throws SQLException {
        long rows = -1;
        if (answer instanceof Number number) {
            rows = number.longValue();
        } else if (answer instanceof int[] counts) {
            rows = 0;
            for (int count : counts) {
                rows += count == Statement.SUCCESS_NO_INFO ? 1 : count;
            }
        } else if (Boolean.FALSE.equals(answer)) {
            rows = statement.getUpdateCount();
        }
        written.merge(sql == null ? "" : sql, rows, (before, more) -> before < 0 || more < 0 ? -1 : before + more);
    }

    /** A look at other tables than those that rows are held back for needs not wait for them. */
    private void showHeldRows(String sql) throws SQLException {
        if (!batch.tables().isEmpty()
                && (sql == null
                        || !isLookup(sql)
                        || batch.tables().stream().anyMatch(table -> names(sql, table.name())))) {
            batch.show();
        }
    }

    private boolean isLookup(String sql) {
        Boolean known = lookups.get(sql);
        if (known == null) {
            String bare = bare(sql);
            known = READS.matcher(bare).find() && !WRITES.matcher(bare).find();
            if (lookups.size() < MOST_STATEMENTS) {
                lookups.put(sql, known);
            }
        }
        return known;
    }

    /**
     * Refuses statements that would end the batch's transaction before its tick is written. A transaction can also be ended
     * in ways that no text shows; the ledger notices those.
     */
    private void control(String sql) throws SQLException {
        String bare = bare(sql);
        Matcher control = TRANSACTION_CONTROL.matcher(bare);
        if (control.find()) {
            throw new SQLException(
                    "\"" + control.group(1) + "\" would end the batch's transaction, which only the consumer may do;"
                            + " take it out of the statement",
                    "2D000");
        }
        Matcher savepoint = SAVEPOINT.matcher(bare);
        while (savepoint.find()) {
            // quoted names are gone with the literals: a rollback to one finds no savepoint
            String name = savepoint.group(2).toLowerCase(Locale.ROOT);
            if (savepoint.group(1).equalsIgnoreCase("savepoint")) {
                savepointIsSet(name);
            } else {
                goesBack(name);
            }
        }
    }

    /** What load steps hold back belongs before the savepoint. */
    private void savepointIsSet(Object savepoint) throws SQLException {
        batch.flush();
        if (savepoint.equals("")) {
            return;
        }
        if (!savepoints.isEmpty() && savepoints.peek().savepoint.equals(savepoint)) {
            savepoints.pop(); // one a row, none of them released
        }
        savepoints.push(new Marked(savepoint, batch.account().loads()));
    }

    private void goesBack(Object savepoint) {
        written.clear();
        while (!savepoints.isEmpty() && !savepoints.peek().savepoint.equals(savepoint)) {
            savepoints.pop();
        }
        if (savepoints.isEmpty() || savepoints.peek().loads != batch.account().loads()) {
            rollbackAsked.run();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(GuardedConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static Object call(Object target, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
