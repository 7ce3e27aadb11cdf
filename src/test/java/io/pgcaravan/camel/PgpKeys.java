package io.pgcaravan.camel;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.Date;
import org.bouncycastle.bcpg.ArmoredOutputStream;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.bcpg.PublicKeyAlgorithmTags;
import org.bouncycastle.bcpg.SymmetricKeyAlgorithmTags;
import org.bouncycastle.openpgp.PGPKeyRingGenerator;
import org.bouncycastle.openpgp.PGPSignature;
import org.bouncycastle.openpgp.operator.PGPDigestCalculator;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPContentSignerBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPDigestCalculatorProviderBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPKeyPair;
import org.bouncycastle.openpgp.operator.jcajce.JcePBESecretKeyEncryptorBuilder;

/**
 * A key pair in two files, as {@code gpg --export} and {@code gpg --export-secret-keys} write them.
 *
 * @param name the user id
 */
record PgpKeys(String name, Path publicKey, Path secretKey) {

    static final String PASSWORD = "of the test";

    static PgpKeys make(String name, Path directory) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        PGPDigestCalculator sha1 =
                new JcaPGPDigestCalculatorProviderBuilder().build().get(HashAlgorithmTags.SHA1);
        JcaPGPKeyPair pair =
                new JcaPGPKeyPair(4, PublicKeyAlgorithmTags.RSA_GENERAL, generator.generateKeyPair(), new Date());
        PGPKeyRingGenerator ring = new PGPKeyRingGenerator(
                PGPSignature.POSITIVE_CERTIFICATION,
                pair,
                name,
                sha1,
                null,
                null,
                new JcaPGPContentSignerBuilder(PublicKeyAlgorithmTags.RSA_GENERAL, HashAlgorithmTags.SHA256),
                new JcePBESecretKeyEncryptorBuilder(SymmetricKeyAlgorithmTags.AES_256, sha1)
                        .build(PASSWORD.toCharArray()));
        PgpKeys keys = new PgpKeys(
                name,
                Files.createDirectories(directory).resolve(name + ".asc"),
                directory.resolve(name + "-secret.asc"));
        try (OutputStream out = new ArmoredOutputStream(Files.newOutputStream(keys.publicKey))) {
            ring.generatePublicKeyRing().encode(out);
        }
        try (OutputStream out = new ArmoredOutputStream(Files.newOutputStream(keys.secretKey))) {
            ring.generateSecretKeyRing().encode(out);
        }
        return keys;
    }
}
