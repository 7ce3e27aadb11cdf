package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.pgcaravan.PgServer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerEncodingTest {

    private static Connection connection;

    @BeforeAll
    static void connect() throws SQLException {
        connection = DriverManager.getConnection(PgServer.get().createDatabase("server_encoding"));
        try (Statement statement = connection.createStatement()) {
            statement.execute("""
                    create function pg_temp.text_of(bytes bytea, encoding text) returns text language plpgsql as $$
                    begin
                        return convert_from(bytes, encoding);
                    exception when others then
                        return null;
                    end $$
                    """);
        }
    }

    @AfterAll
    static void disconnect() throws SQLException {
        connection.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "EUC_JP",
                "EUC_CN",
                "EUC_KR",
                "EUC_TW",
                "LATIN1",
                "LATIN2",
                "LATIN3",
                "LATIN4",
                "LATIN5",
                "LATIN6",
                "LATIN7",
                "LATIN8",
                "LATIN9",
                "LATIN10",
                "WIN1256",
                "WIN1258",
                "WIN866",
                "WIN874",
                "KOI8R",
                "WIN1251",
                "WIN1252",
                "ISO_8859_5",
                "ISO_8859_6",
                "ISO_8859_7",
                "ISO_8859_8",
                "WIN1250",
                "WIN1253",
                "WIN1254",
                "WIN1255",
                "WIN1257",
                "KOI8U"
            })
    void bytes_mean_what_postgresql_takes_them_for(String encoding) throws SQLException, CharacterCodingException {
        Charset charset = ServerEncoding.charsetOf(encoding);
        List<String> sequences = new ArrayList<>();
        for (int first = 0x80; first <= 0xff; first++) {
            sequences.add(String.format("%02x", first));
            for (int second = 0xa1; encoding.startsWith("EUC") && second <= 0xff; second++) {
                sequences.add(String.format("%02x%02x", first, second));
                if (encoding.equals("EUC_JP")) {
                    sequences.add(String.format("8f%02x%02x", first, second));
                }
            }
        }
        int known = 0;
        try (PreparedStatement query =
                connection.prepareStatement("select hex, pg_temp.text_of(decode(hex, 'hex'), ?) from unnest(?) hex")) {
            query.setString(1, encoding);
            query.setArray(2, connection.createArrayOf("text", sequences.toArray()));
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    String text = rows.getString(2);
                    if (text == null) {
                        continue;
                    }
                    known++;
                    byte[] bytes = HexFormat.of().parseHex(rows.getString(1));
                    assertThat(charset.newDecoder()
                                    .decode(ByteBuffer.wrap(bytes))
                                    .toString())
                            .as(rows.getString(1))
                            .isEqualTo(text);
                    // some characters have two forms, either of which will do
                    ByteBuffer back = charset.newEncoder().encode(CharBuffer.wrap(text));
                    assertThat(charset.newDecoder().decode(back).toString()).isEqualTo(text);
                }
            }
        }
        assertThat(known).isGreaterThan(80);
    }

    @Test
    void utf8_and_bytes_without_an_encoding_are_read_as_utf8() {
        assertThat(ServerEncoding.charsetOf("UTF8")).isEqualTo(StandardCharsets.UTF_8);
        assertThat(ServerEncoding.charsetOf("SQL_ASCII")).isEqualTo(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB"})
    void client_encodings_can_be_named_too(String encoding) {
        assertThat(ServerEncoding.charsetOf(encoding).canEncode()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"MULE_INTERNAL", "EUC_JIS_2004", "LATIN99"})
    void encodings_that_java_lacks_are_refused(String encoding) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ServerEncoding.charsetOf(encoding))
                .withMessageContaining("encoding " + encoding + " cannot be decoded");
    }
}
