package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq:} endpoints. */
@Component("pgq")
public class PgqComponent extends StepComponent {

    @Override
    protected void doInit() throws Exception {
        super.doInit();
        StepWatch.watch(getCamelContext());
    }

    @Override
    Endpoint endpoint(String uri, String path) {
        return new PgqEndpoint(uri, this, path);
    }
}
