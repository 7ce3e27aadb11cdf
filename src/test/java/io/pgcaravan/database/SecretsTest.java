package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A password is masked wherever people write one. */
class SecretsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://db1:5432/shop?user=me&password=S3cret&ssl=true",
                "jdbc:postgresql://db1/shop?sslpassword=S3cret",
                "postgresql://me:S3cret@db1,db2:5433/shop",
                "postgresql://me:S3cret@x@db1/shop is refused",
                "postgresql://me:S3c/S3cret@db1/shop",
                "postgres://me:S3cret%40@[::1]/shop",
                "host=db1 password=S3cret dbname=shop",
                "host=db1 password = 'S3cret with blanks' dbname=shop",
                "host=db1 password='it\\'s S3cret' dbname=shop",
                "host=db1 password=S3cret\\ S3cret dbname=shop",
                "host=db1 PASSWORD=S3cret",
                "sftp:me:S3cret@host:22/in",
                "sftp://me@host/in?password=RAW(S3cret&)&delay=5",
                "sftp://host/in?privateKeyPassphrase=S3cret",
                "aws2-s3://bucket?accessKey=S3cret&secretKey=S3cret",
                "database.sourceDb.password = S3cret",
                "Invalid value for option '--db': \"postgresql://me:S3cret@db1/shop\""
            })
    void a_password_is_masked(String text) {
        assertThat(Secrets.masked(text)).doesNotContain("S3cret").contains(Secrets.MASK);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://127.0.0.1:5432/shop?user=me",
                "postgresql://me@db1:5433/shop?sslmode=require",
                "http://127.0.0.1:8090/observe/health/ready",
                "the server wants a password for user \"me\", and there is none",
                "at 2026-10-02 10:11:12 tick 5 of mail a@b.example",
                "sftp://me@host/in?password={{sftp.password}}"
            })
    void what_holds_no_password_stays_as_it_is(String text) {
        assertThat(Secrets.masked(text)).isEqualTo(text);
    }

    @Test
    void what_surrounds_a_password_stays() {
        assertThat(Secrets.masked("postgresql://me:a@b@db1,db2/shop: no route"))
                .isEqualTo("postgresql://me:xxxxxx@db1,db2/shop: no route");
        assertThat(Secrets.masked("host=h password='a b' dbname=shop")).isEqualTo("host=h password=xxxxxx dbname=shop");
    }
}
