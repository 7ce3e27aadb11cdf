package io.pgcaravan.camel;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** Connections that tell a test about each prepared statement and each commit that passes over them, right before and right after it. */
public final class WatchedDataSource extends DelegatingDataSource {

    /** Called on the thread that works; what it throws reaches the code under test. */
    @FunctionalInterface
    public interface Watcher {

        /** @param moment {@code before commit}, {@code after commit}, or before or after a statement's text */
        void passes(String moment, Connection connection) throws SQLException;
    }

    private final Watcher watcher;

    WatchedDataSource(DataSource connections, Watcher watcher) {
        super(connections);
        this.watcher = watcher;
    }

    @Override
    public Connection getConnection() throws SQLException {
        return watched(super.getConnection());
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        return watched(super.getConnection(user, password));
    }

    private Connection watched(Connection connection) {
        return (Connection) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    if (method.getName().equals("commit")) {
                        return watched("commit", connection, connection, method, args);
                    }
                    Object answer = call(connection, method, args);
                    return method.getName().equals("prepareStatement") && args.length == 1
                            ? statement((PreparedStatement) answer, (String) args[0], connection)
                            : answer;
                });
    }

    private PreparedStatement statement(PreparedStatement statement, String sql, Connection connection) {
        return (PreparedStatement) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {PreparedStatement.class},
                (proxy, method, args) -> method.getName().startsWith("execute")
                        ? watched(sql, connection, statement, method, args)
                        : call(statement, method, args));
    }

    private Object watched(String what, Connection connection, Object of, Method method, Object[] args)
            throws Throwable {
        watcher.passes("before " + what, connection);
        Object answer = call(of, method, args);
        watcher.passes("after " + what, connection);
        return answer;
    }

    private static Object call(Object of, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(of, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
