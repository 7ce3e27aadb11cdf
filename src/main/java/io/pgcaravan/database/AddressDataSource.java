package io.pgcaravan.database;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Map;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** New connections to one address, for a pool. */
public final class AddressDataSource implements DataSource {

    private final Address address;
    private final Properties properties = new Properties();

    /** @param properties of the driver, where the address does not say otherwise */
    public AddressDataSource(Address address, Map<String, String> properties) {
        this.address = address;
        this.properties.putAll(properties);
    }

    @Override
    public Connection getConnection() throws SQLException {
        return address.connect(properties);
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        return address.as(user, password).connect(properties);
    }

    @Override
    public void setLoginTimeout(int seconds) {
        properties.setProperty("loginTimeout", Integer.toString(seconds));
    }

    @Override
    public int getLoginTimeout() {
        return Integer.parseInt(properties.getProperty("loginTimeout", "0"));
    }

    @Override
    public PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("the driver logs by java.util.logging");
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("org.postgresql");
    }

    @Override
    public boolean isWrapperFor(Class<?> wanted) {
        return wanted.isInstance(this);
    }

    @Override
    public <T> T unwrap(Class<T> wanted) throws SQLException {
        if (!isWrapperFor(wanted)) {
            throw new SQLException(this + " is no " + wanted.getName());
        }
        return wanted.cast(this);
    }

    /** Without the password. */
    @Override
    public String toString() {
        return address.toString();
    }
}
