package io.pgcaravan.ship.format;

import io.pgcaravan.ship.format.Manifest.FileSum;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** A file of a set while it is written, under its temporary name: compressed, counted and hashed on the way. */
public final class SetFile implements AutoCloseable {

    private static final int BUFFER = 1 << 17;

    private final String name;
    private final FileChannel channel;
    private final MessageDigest digest = Sha256.digest();
    private final OutputStream plain;
    private long lines;
    private long plainBytes;

    /** @param name that it gets when it is published */
    SetFile(Path path, String name, Compression compression) throws IOException {
        this.name = name;
        channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        OutputStream hashed = new DigestOutputStream(Channels.newOutputStream(channel), digest) {
            @Override
            public void close() {
                // the channel is still to be flushed to disk
            }
        };
        plain = new BufferedOutputStream(compression.compress(hashed), BUFFER);
    }

    /** @param line with its end */
    public void line(byte[] line) throws IOException {
        plain.write(line);
        plainBytes += line.length;
        lines++;
    }

    public long lines() {
        return lines;
    }

    public long plainBytes() {
        return plainBytes;
    }

    /** Ends the file, which is on disk for good afterwards. */
    public FileSum finish() throws IOException {
        plain.close();
        channel.force(true);
        long bytes = channel.position();
        channel.close();
        return new FileSum(name, lines, bytes, plainBytes, HexFormat.of().formatHex(digest.digest()));
    }

    /** Gives the file up where {@link #finish} was not reached; it stays where it is. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
