package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connection strings are taken apart as libpq does it. */
class ConnectionTextTest {

    @Test
    void conninfo_has_blanks_around_equals_signs_and_lines() {
        assertThat(ConnectionText.parse(" host = db1\n\tport=5433  dbname\t=\tshop "))
                .isEqualTo(Map.of(Keyword.HOST, "db1", Keyword.PORT, "5433", Keyword.DBNAME, "shop"));
    }

    @Test
    void conninfo_values_are_quoted_and_escaped() {
        assertThat(ConnectionText.parse("dbname='my shop' password='it\\'s a \\\\' user=a\\ b options=''"))
                .isEqualTo(Map.of(
                        Keyword.DBNAME,
                        "my shop",
                        Keyword.PASSWORD,
                        "it's a \\",
                        Keyword.USER,
                        "a b",
                        Keyword.OPTIONS,
                        ""));
        assertThat(ConnectionText.parse("user='a'password=b")).containsEntry(Keyword.PASSWORD, "b");
        assertThat(ConnectionText.parse("user=a'b'")).containsEntry(Keyword.USER, "a'b'");
        String token = "x\\'".repeat(20_000);
        assertThat(ConnectionText.parse("password='" + token + "'"))
                .containsEntry(Keyword.PASSWORD, "x'".repeat(20_000));
    }

    @Test
    void the_last_of_two_values_counts() {
        assertThat(ConnectionText.parse("host=a host=b")).containsEntry(Keyword.HOST, "b");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    host=a shop             | expected keyword=value at position 8
                    =a                      | expected keyword=value at position 1
                    password='secret        | expected keyword=value at position 1; a value with spaces must be in single quotes
                    hots=secret             | an unknown keyword "hots"; did you mean host?
                    postgresql://[::1/shop  | expected host:port at position 14
                    postgresql://[]/shop    | expected host:port at position 14
                    postgresql://[::1]x/a   | expected host:port at position 14
                    postgresql://h/a?x      | expected keyword=value after the ?
                    postgresql://h/a?user=secret=b | parameter user has a second =
                    postgresql://h/a?sslmod=secret | an unknown keyword "sslmod"; did you mean sslmode?
                    postgresql://h/%2       | a % must be followed by two hexadecimal digits
                    postgresql://h/%zz      | a % must be followed by two hexadecimal digits
                    postgresql://h/a%00b    | must be UTF-8 without %00
                    postgresql://h/%ff      | must be UTF-8 without %00
                    """)
    void what_libpq_refuses_is_refused_without_showing_values(String text, String message) {
        assertThatThrownBy(() -> ConnectionText.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("secret");
    }

    @Test
    void a_uri_has_all_its_parts_decoded() {
        assertThat(ConnectionText.parse("postgresql://us%40er:p%3Aa%2Fs+s@db1:5433/my%20shop?application_name=a%26b"))
                .isEqualTo(Map.of(
                        Keyword.USER,
                        "us@er",
                        Keyword.PASSWORD,
                        "p:a/s+s",
                        Keyword.HOST,
                        "db1",
                        Keyword.PORT,
                        "5433",
                        Keyword.DBNAME,
                        "my shop",
                        Keyword.APPLICATION_NAME,
                        "a&b"));
    }

    @Test
    void a_uri_names_several_hosts() {
        assertThat(ConnectionText.parse("postgres://db1:1,[2001:db8::1]:2,db3/shop"))
                .isEqualTo(Map.of(Keyword.HOST, "db1,2001:db8::1,db3", Keyword.PORT, "1,2,", Keyword.DBNAME, "shop"));
    }

    @Test
    void a_uri_names_sockets() {
        assertThat(ConnectionText.parse("postgresql:///shop?host=/var/run/postgresql"))
                .isEqualTo(Map.of(Keyword.DBNAME, "shop", Keyword.HOST, "/var/run/postgresql"));
        assertThat(ConnectionText.parse("postgresql://%2Fvar%2Frun%2Fpostgresql:6432/shop"))
                .isEqualTo(Map.of(Keyword.DBNAME, "shop", Keyword.HOST, "/var/run/postgresql", Keyword.PORT, "6432"));
        assertThat(ConnectionText.parse("postgresql://me@/shop"))
                .isEqualTo(Map.of(Keyword.USER, "me", Keyword.DBNAME, "shop"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"postgresql://", "postgresql:///", "postgresql:///?", "postgresql://@/", "postgres://:@/"})
    void a_uri_may_say_nothing(String uri) {
        assertThat(ConnectionText.parse(uri)).isEmpty();
    }

    @Test
    void a_uri_takes_one_word_of_jdbc() {
        assertThat(ConnectionText.parse("postgresql://h?ssl=true")).containsEntry(Keyword.SSLMODE, "require");
        assertThatThrownBy(() -> ConnectionText.parse("postgresql://h?ssl=maybe"))
                .hasMessageContaining("\"ssl\"");
    }
}
