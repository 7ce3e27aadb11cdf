package io.pgcaravan.ship.format;

import io.pgcaravan.ship.format.Manifest.FileSum;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;

/** A file of a set while it is written, under its temporary name: compressed, counted and hashed on the way. */
public final class SetFile extends OutputStream {

    private static final int BUFFER = 1 << 17;

    private final String name;
    private final FileChannel channel;
    private final MessageDigest digest = Sha256.digest();
    private final OutputStream plain;
    private long plainBytes;
    private long bytes;

    /** @param name that it gets when it is published */
    SetFile(Path path, String name, Compression compression) throws IOException {
        this.name = name;
        channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        plain = new BufferedOutputStream(compression.compress(new OnDisk()), BUFFER);
    }

    @Override
    public void write(int b) throws IOException {
        plain.write(b);
        plainBytes++;
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
        plain.write(from, offset, length);
        plainBytes += length;
    }

    public long plainBytes() {
        return plainBytes;
    }

    /** Ends the file, which is on disk for good afterwards. */
    public FileSum finish(long rows) throws IOException {
        plain.close();
        channel.force(true);
        channel.close();
        return new FileSum(name, rows, bytes, plainBytes, HexFormat.of().formatHex(digest.digest()));
    }

    /** Gives the file up where {@link #finish} was not reached; it stays where it is. */
    @Override
    public void close() throws IOException {
        channel.close();
    }

    private final class OnDisk extends OutputStream {

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            digest.update(from, offset, length);
            ByteBuffer buffer = ByteBuffer.wrap(from, offset, length);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            bytes += length;
        }
    }
}
