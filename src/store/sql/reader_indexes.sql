-- Only readers need these: the base at the horizon goes without.
CREATE INDEX c_alarms_order ON c_alarms (scope, weight, raised_at);
CREATE INDEX c_alarms_changed ON c_alarms (scope, last_changed);
CREATE INDEX c_alarms_born ON c_alarms (born);
CREATE INDEX c_alarms_due ON c_alarms (due) WHERE due IS NOT NULL;
-- What filters look for: sources say few different things about many objects, so the different
-- things are gone through; what is said of objects is looked for among the objects.
CREATE INDEX c_alarms_said ON c_alarms (source, type, text);
CREATE INDEX c_alarms_owner ON c_alarms (owner) WHERE owner <> '';
CREATE INDEX c_nodes_find ON c_nodes (serial COLLATE NOCASE, canonical, label, loc);
CREATE INDEX c_nodes_order ON c_nodes (canonical) WHERE grp IS NOT NULL;
CREATE INDEX c_ops_batch ON c_ops (batch);
CREATE INDEX c_cpes_order ON c_cpes (serial);
CREATE INDEX c_cpes_sk ON c_cpes (sk);
