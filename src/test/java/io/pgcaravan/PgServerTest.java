package io.pgcaravan;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

class PgServerTest {

    private final PgServer server = PgServer.get();

    @Test
    void is_one_server_for_all_tests() {
        assertThat(PgServer.get()).isSameAs(server);
    }

    @Test
    void every_database_is_a_new_one() throws SQLException {
        assertThat(server.createDatabase("twice")).isNotEqualTo(server.createDatabase("twice"));
    }

    @Test
    void a_database_has_the_encoding_asked_for() throws SQLException {
        assertThat(ask(server.createDatabase("latin", "LATIN1"), "show server_encoding"))
                .isEqualTo("LATIN1");
        assertThat(ask(server.createDatabase("usual"), "show server_encoding")).isEqualTo("UTF8");
    }

    @Test
    void a_queue_can_be_made_where_pgq_is_installed() throws SQLException {
        String url = server.createDatabaseWithPgq("queue");

        assertThat(ask(url, "select pgq.create_queue('q')")).isEqualTo("1");
    }

    @Test
    void a_restart_breaks_connections_and_keeps_what_was_committed() throws SQLException {
        for (boolean immediate : new boolean[] {false, true}) {
            String url = server.createDatabase("restart");
            try (Connection connection = DriverManager.getConnection(url)) {
                execute(connection, "create table kept as select 1 as id");

                server.restart(immediate);

                assertThatThrownBy(() -> execute(connection, "select 1")).isInstanceOf(SQLException.class);
            }
            assertThat(ask(url, "select count(*) from kept")).isEqualTo("1");
        }
    }

    @Test
    void a_stopped_server_refuses_connections_until_it_is_started() throws SQLException {
        String url = server.createDatabase("outage");
        server.stop(false);
        try {
            assertThatThrownBy(() -> ask(url, "select 1")).isInstanceOf(SQLException.class);
        } finally {
            server.startAgain();
        }
        assertThat(ask(url, "select 1")).isEqualTo("1");
    }

    private static String ask(String url, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet answer = statement.executeQuery(sql)) {
            answer.next();
            return answer.getString(1);
        }
    }
}
