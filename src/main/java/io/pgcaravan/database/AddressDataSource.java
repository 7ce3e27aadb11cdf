package io.pgcaravan.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.postgresql.ds.PGSimpleDataSource;

/** New connections to one address, for a pool. The driver's class gives what a DataSource needs besides. */
public final class AddressDataSource extends PGSimpleDataSource {

    private final transient Address address;
    private final transient Map<String, String> defaults;

    /** @param defaults properties of the driver; the address's own count first */
    public AddressDataSource(Address address, Map<String, String> defaults) {
        this.address = address;
        this.defaults = Map.copyOf(defaults);
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        Properties properties = Address.properties(defaults);
        if (getLoginTimeout() > 0) {
            properties.setProperty("loginTimeout", Integer.toString(getLoginTimeout()));
        }
        return address.as(user, password).connect(properties);
    }

    /** Without the password. */
    @Override
    public String toString() {
        return address.toString();
    }
}
