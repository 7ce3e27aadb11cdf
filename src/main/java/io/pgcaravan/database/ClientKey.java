package io.pgcaravan.database;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.sql.SQLException;
import java.util.Base64;
import java.util.List;

/** A client's private key, as far as the driver reads what OpenSSL writes. */
final class ClientKey {

    private static final String PKCS8 = "-----BEGIN PRIVATE KEY-----";
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "Ed25519", "Ed448");

    private ClientKey() {}

    /**
     * The algorithm of a key in PEM, which the driver has to be told; null where the file is not in PEM.
     *
     * @throws SQLException where the driver cannot read the key; says how to convert it
     */
    static String algorithm(Path key) throws SQLException {
        String text;
        try {
            text = Files.readString(key, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new SQLException("the key " + key + " (sslkey) cannot be read: " + e.getMessage(), "08001");
        }
        int begin = text.indexOf("-----BEGIN ");
        if (begin < 0) {
            return null;
        }
        int from = text.indexOf(PKCS8);
        if (from < 0) {
            boolean encrypted = text.contains("ENCRYPTED");
            throw new SQLException(
                    "the key " + key + " (sslkey) is of a form that the JDBC driver cannot read ("
                            + text.substring(begin, text.indexOf('\n', begin)).strip() + "); convert it: openssl pkcs8"
                            + " -topk8 -in " + key
                            + (encrypted ? " -outform DER -v1 PBE-SHA1-3DES -out KEY.pk8" : " -nocrypt -out KEY.pem"),
                    "08001");
        }
        int to = text.indexOf("-----END", from);
        byte[] der = Base64.getMimeDecoder()
                .decode(text.substring(from + PKCS8.length(), to < 0 ? text.length() : to)
                        .strip());
        for (String algorithm : ALGORITHMS) {
            try {
                KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
                return algorithm;
            } catch (GeneralSecurityException another) {
                // the next one
            }
        }
        throw new SQLException(
                "the key " + key + " (sslkey) is of none of the kinds " + String.join(", ", ALGORITHMS), "08001");
    }
}
