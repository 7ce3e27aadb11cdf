package io.pgcaravan.camel;

import java.util.Map;
import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;
import org.apache.camel.support.HealthCheckComponent;

/** Creates {@code pgq:} endpoints. */
@Component("pgq")
public class PgqComponent extends HealthCheckComponent {

    @Override
    protected void doInit() throws Exception {
        super.doInit();
        StepWatch.watch(getCamelContext());
    }

    @Override
    protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters) throws Exception {
        PgqEndpoint endpoint = new PgqEndpoint(uri, this, remaining);
        setProperties(endpoint, parameters);
        return endpoint;
    }
}
