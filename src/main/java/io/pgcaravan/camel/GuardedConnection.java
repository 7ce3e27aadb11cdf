package io.pgcaravan.camel;

import io.pgcaravan.queue.Batch;
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
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The batch's connection as a route's steps see it: they use it, the consumer commits it. Commit, close and autocommit do
 * nothing ({@code jdbc:} calls them after each statement, {@code sql:} after each batch, through the statement's own
 * connection). A rollback does nothing either, but the batch must not commit after it: {@code sql:} rolls back when a
 * statement has failed, and its failure must not be hidden behind another one.
 */
final class GuardedConnection implements InvocationHandler {

    /** Literals, quoted names, dollar-quoted bodies and comments. */
    private static final Pattern NOT_SQL =
            Pattern.compile("'(?:[^']|'')*'|\"[^\"]*\"|(\\$\\w*\\$).*?\\1|--[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);

    private static final Pattern TRANSACTION_CONTROL = Pattern.compile(
            "(?:^|;)\\s*((?:begin|start\\s+transaction|commit|end|abort|prepare\\s+transaction"
                    + "|rollback(?!\\s+(?:(?:work|transaction)\\s+)?to\\b))\\b)",
            Pattern.CASE_INSENSITIVE);

    /** Statements whose parameters are remembered. */
    private static final int MOST_STATEMENTS = 1000;

    private final Connection connection;
    private final Batch batch;
    private final InsertWriter inserts;
    private final Runnable rollbackAsked;
    private final Map<String, ParameterMetaData> parameters = new HashMap<>();

    private GuardedConnection(Connection connection, Batch batch, InsertWriter inserts, Runnable rollbackAsked) {
        this.connection = connection;
        this.batch = batch;
        this.inserts = inserts;
        this.rollbackAsked = rollbackAsked;
    }

    /**
     * @param inserts runs the inserts that it expects
     * @param rollbackAsked called when a step rolls back
     */
    static Connection of(Connection connection, Batch batch, InsertWriter inserts, Runnable rollbackAsked) {
        return proxy(Connection.class, new GuardedConnection(connection, batch, inserts, rollbackAsked));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
        switch (method.getName()) {
            case "commit", "close", "setAutoCommit":
                return null;
            case "getAutoCommit":
                return false;
            case "rollback":
                if (args == null || args.length == 0) {
                    rollbackAsked.run();
                    return null;
                }
                break;
            case "abort":
                throw new SQLException("a step of the route asked to abort the connection of " + batch);
            case "prepareStatement", "prepareCall":
                Integer rows = args.length == 1 ? inserts.expected((String) args[0]) : null;
                if (rows != null) {
                    return insert(
                            (PreparedStatement) call(connection, method, args),
                            (Connection) proxy,
                            (String) args[0],
                            rows);
                }
                refuseTransactionControl((String) args[0]);
                break;
            default:
                inserts.await();
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
                refuseTransactionControl(sql);
            }
            if (method.getName().startsWith("execute")) {
                inserts.await();
            }
            return call(statement, method, args);
        });
    }

    /** An insert that is left to the {@link InsertWriter} when it is executed, with the answer that it is to have. */
    private PreparedStatement insert(PreparedStatement statement, Connection guarded, String prepared, int rows) {
        AtomicBoolean submitted = new AtomicBoolean();
        return proxy(PreparedStatement.class, (proxy, method, args) -> {
            switch (method.getName()) {
                case "getConnection":
                    return guarded;
                case "getParameterMetaData":
                    return parameters(statement, prepared);
                case "executeBatch":
                    submitted.set(true);
                    inserts.submit(statement);
                    return new int[] {rows};
                case "close", "getWarnings":
                    return submitted.get() ? null : call(statement, method, args);
                default:
                    if (submitted.get()) {
                        inserts.await();
                    }
                    return call(statement, method, args);
            }
        });
    }

    /**
     * Refuses statements that would end the batch's transaction before its tick is written. A transaction can also be ended
     * in ways that no text shows; the ledger notices those.
     */
    private static void refuseTransactionControl(String sql) throws SQLException {
        Matcher control = TRANSACTION_CONTROL.matcher(NOT_SQL.matcher(sql).replaceAll(" "));
        if (control.find()) {
            throw new SQLException(
                    "\"" + control.group(1) + "\" would end the batch's transaction, which only the consumer may do;"
                            + " take it out of the statement",
                    "2D000");
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
