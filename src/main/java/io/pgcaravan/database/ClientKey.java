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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A client's private key: the driver reads PKCS#8 of what OpenSSL writes, and must be told the algorithm of a key in PEM. */
final class ClientKey {

    private static final Pattern PEM = Pattern.compile("(?s)-----BEGIN ([A-Z ]*)-----([^-]*)");

    private ClientKey() {}

    /**
     * The algorithm of a key in PEM; RSA, which the driver assumes, for other files.
     *
     * @throws SQLException where the driver cannot read the key; says how to convert it
     */
    static String algorithm(Path key) throws SQLException {
        Matcher pem;
        try {
            pem = PEM.matcher(Files.readString(key, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new SQLException("the key " + key + " (sslkey) cannot be read: " + e.getMessage(), "08001");
        }
        if (!pem.find()) {
            return "RSA";
        }
        if (!pem.group(1).equals("PRIVATE KEY")) {
            throw new SQLException(
                    "the JDBC driver cannot read the key " + key + " (sslkey), " + pem.group(1)
                            + "; convert it: openssl"
                            + " pkcs8 -topk8 -in " + key
                            + (pem.group().contains("ENCRYPTED")
                                    ? " -outform DER -v1 PBE-SHA1-3DES -out KEY.pk8"
                                    : " -nocrypt -out KEY.pem"),
                    "08001");
        }
        PKCS8EncodedKeySpec encoded =
                new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(2)));
        for (String algorithm : List.of("RSA", "EC", "Ed25519", "Ed448")) {
            try {
                KeyFactory.getInstance(algorithm).generatePrivate(encoded);
                return algorithm;
            } catch (GeneralSecurityException another) {
                // the next one
            }
        }
        throw new SQLException("the key " + key + " (sslkey) must be RSA, EC, Ed25519 or Ed448", "08001");
    }
}
