-- Only readers need these: the base at the horizon goes without.
CREATE INDEX c_alarms_order ON c_alarms (scope, severity, raised_at);
CREATE INDEX c_alarms_changed ON c_alarms (scope, last_changed);
CREATE INDEX c_alarms_born ON c_alarms (born);
CREATE INDEX c_alarms_due ON c_alarms (due) WHERE due IS NOT NULL;
CREATE INDEX c_nodes_order ON c_nodes (canonical) WHERE grp IS NOT NULL;
CREATE INDEX c_ops_batch ON c_ops (batch);
